# Owns a private RabbitMQ node: starts it, waits until standard input closes, ends it.
#
# The pipe to standard input closes on every way out of the program that opened it, kill -9 included,
# so a node never outlives its run. Arguments: directory, AMQP port, distribution port, epmd port.
# Everything is ended by process id; nothing listens beyond loopback.
dir=$1 amqp=$2 dist=$3 epmd=$4
cd "$dir" || exit 1
trap '' INT HUP TERM

printf 'listeners.tcp.1 = 127.0.0.1:%s\nlog.console = false\n' "$amqp" > rabbitmq.conf
echo '[].' > plugins
: > env.conf

# A name server of its own, in the foreground: the machine's, if there is one, is left alone.
epmd -port "$epmd" -address 127.0.0.1 > epmd.out 2>&1 &
names=$!

# RUNNING_UNDER_SYSTEMD makes the start script become the node instead of its parent.
env HOME="$dir" ERL_EPMD_PORT="$epmd" ERL_EPMD_ADDRESS=127.0.0.1 RUNNING_UNDER_SYSTEMD=1 \
    RABBITMQ_NODENAME=lindley@localhost RABBITMQ_NODE_PORT="$amqp" RABBITMQ_DIST_PORT="$dist" \
    RABBITMQ_MNESIA_BASE="$dir/db" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_CONFIG_FILE="$dir/rabbitmq" \
    RABBITMQ_GENERATED_CONFIG_DIR="$dir/generated" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/plugins" \
    RABBITMQ_PID_FILE="$dir/pid" RABBITMQ_CONF_ENV_FILE="$dir/env.conf" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
    "$RABBITMQ_SERVER" < /dev/null > node.out 2>&1 &
node=$!
echo "$node" > node.pid

read -r _

# The node's data goes with it, so there is nothing to shut down in order.
kill -9 "$node" "$names" 2> /dev/null
wait
cd / && rm -rf "$dir"
