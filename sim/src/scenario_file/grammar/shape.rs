//! Shapes of times.

use super::{Result, values};
use crate::model::Shape;
use crate::scenario_file::table::Table;

pub(super) const SHAPES: &str = "use { kind = \"exponential\" }, { kind = \"deterministic\" }, { kind = \"erlang\", stages = 4 }, \
    { kind = \"hyperexponential\", scv = 4.0 }, gamma or lognormal with scv, pareto or lomax with tail, weibull with shape, \
    { kind = \"uniform\", half_width = 0.5 } or { kind = \"empirical\", file = \"times.txt\" }";

/// The shape of the table's key `shape`; exponential if it is absent.
pub(super) fn optional(table: &mut Table<'_>) -> Result<Shape> {
    match table.table("shape", SHAPES)? {
        Some(table) => shape(table),
        None => Ok(Shape::Exponential {}),
    }
}

pub(super) fn shape(mut table: Table<'_>) -> Result<Shape> {
    let kind = table.required_string("kind", SHAPES)?;
    let mut parameter = None;
    let mut number = |table: &mut Table<'_>, key, remedy| -> Result<f64> {
        let entry = table.required_number(key, remedy)?;
        let value = entry.value;
        parameter = Some((entry, remedy));
        Ok(value)
    };
    let scv = "write scv = 4.0";
    let tail = "write tail = 2.5";
    let shape = match kind.value.as_str() {
        "deterministic" => Shape::Deterministic {},
        "exponential" => Shape::Exponential {},
        "erlang" => {
            let remedy = "write stages = 4";
            let stages = table.required_count("stages", remedy)?;
            Shape::Erlang { stages: stages.between(1, 1000, "an Erlang shape has 1 to 1000 stages", remedy)? }
        }
        "hyperexponential" => Shape::Hyperexponential { scv: number(&mut table, "scv", scv)? },
        "gamma" => Shape::Gamma { scv: number(&mut table, "scv", scv)? },
        "lognormal" => Shape::Lognormal { scv: number(&mut table, "scv", scv)? },
        "pareto" => Shape::Pareto { tail: number(&mut table, "tail", tail)? },
        "lomax" => Shape::Lomax { tail: number(&mut table, "tail", tail)? },
        "weibull" => Shape::Weibull { shape: number(&mut table, "shape", "write shape = 0.7")? },
        "uniform" => {
            Shape::Uniform { half_width: number(&mut table, "half_width", "write half_width = 0.5")? }
        }
        "empirical" => Shape::Empirical(values::empirical(&mut table)?),
        _ => return Err(kind.mistake("this shape is not known", SHAPES)),
    };
    if let (Some((_, rule)), Some((entry, remedy))) = (shape.broken_rule(), parameter) {
        return Err(entry.mistake(rule, remedy));
    }
    table.finish()?;
    Ok(shape)
}
