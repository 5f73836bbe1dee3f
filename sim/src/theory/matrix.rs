//! Small dense square matrices.

/// A square matrix, by rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    size: usize,
    cells: Vec<f64>,
}

impl Matrix {
    /// The matrix with `cell(row, column)`.
    pub(super) fn from_fn(size: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let cells = (0..size * size).map(|i| cell(i / size, i % size)).collect();
        Matrix { size, cells }
    }

    pub(super) fn identity(size: usize) -> Self {
        Matrix::from_fn(size, |row, column| if row == column { 1.0 } else { 0.0 })
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..(row + 1) * self.size]
    }

    pub(super) fn trace(&self) -> f64 {
        (0..self.size).map(|i| self.at(i, i)).sum()
    }

    /// The cells of both, combined one by one.
    pub(super) fn combine(&self, other: &Matrix, with: impl Fn(f64, f64) -> f64) -> Matrix {
        let cells = self.cells.iter().zip(&other.cells).map(|(a, b)| with(*a, *b)).collect();
        Matrix { size: self.size, cells }
    }

    pub(super) fn scaled(&self, factor: f64) -> Matrix {
        Matrix { size: self.size, cells: self.cells.iter().map(|cell| cell * factor).collect() }
    }

    pub(super) fn times(&self, other: &Matrix) -> Matrix {
        Matrix::from_fn(self.size, |row, column| {
            (0..self.size).map(|i| self.at(row, i) * other.at(i, column)).sum()
        })
    }

    /// The column vector self·x.
    pub(super) fn apply(&self, x: &[f64]) -> Vec<f64> {
        (0..self.size).map(|row| dot(self.row(row), x)).collect()
    }

    /// The X with self·X = `right`, by elimination with row exchange; `None` if the matrix is singular.
    pub(super) fn solve(&self, right: &Matrix) -> Option<Matrix> {
        let (size, mut left, mut right) = (self.size, self.clone(), right.clone());
        for pivot in 0..size {
            let largest =
                (pivot..size).max_by(|a, b| left.at(*a, pivot).abs().total_cmp(&left.at(*b, pivot).abs()))?;
            left.exchange(pivot, largest);
            right.exchange(pivot, largest);
            let head = left.at(pivot, pivot);
            if head == 0.0 || !head.is_finite() {
                return None;
            }
            for row in (0..size).filter(|row| *row != pivot) {
                let factor = left.at(row, pivot) / head;
                left.subtract(row, pivot, factor);
                right.subtract(row, pivot, factor);
            }
        }
        Some(Matrix::from_fn(size, |row, column| right.at(row, column) / left.at(row, row)))
    }

    fn exchange(&mut self, one: usize, other: usize) {
        (0..self.size)
            .for_each(|column| self.cells.swap(one * self.size + column, other * self.size + column));
    }

    fn subtract(&mut self, row: usize, from: usize, factor: f64) {
        for column in 0..self.size {
            self.cells[row * self.size + column] -= factor * self.cells[from * self.size + column];
        }
    }
}

/// Σ x_i·y_i.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves_also_where_rows_must_be_exchanged() {
        let matrix = Matrix::from_fn(3, |row, column| {
            [[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [4.0, -1.0, 0.0]][row][column]
        });
        let inverse = matrix.solve(&Matrix::identity(3)).unwrap();
        let difference = matrix.times(&inverse).combine(&Matrix::identity(3), |a, b| (a - b).abs());
        assert!(difference.cells.iter().all(|cell| *cell < 1e-15), "{difference:?}");
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        assert_eq!(Matrix::from_fn(2, |_, _| 1.0).solve(&Matrix::identity(2)), None);
    }
}
