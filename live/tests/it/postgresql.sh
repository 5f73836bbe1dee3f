# Owns a private PostgreSQL cluster: makes it, obeys `stop` and `start` on standard input, ends it with that.
#
# The pipe to standard input closes on every way out of the program that opened it, kill -9 included, so a cluster
# never outlives its tests. Arguments: directory, port, folder of the server's programs. The password is in the file
# `password` of that directory. Everything is ended by process id; nothing listens beyond loopback.
dir=$1 port=$2 programs=$3
cd "$dir" || exit 1
trap '' INT HUP TERM

# The server refuses to run as root; Debian's package brings a user for it.
as=
if [ "$(id -u)" -eq 0 ]; then
    as='setpriv --reuid=postgres --regid=postgres --init-groups'
    chown -R postgres: "$dir"
fi

start() {
    # `as` is several words, or none.
    $as "$programs/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$dir" < /dev/null >> node.out 2>&1 &
    node=$!
    echo "$node" > node.pid
}

# Like a power failure, but without leaving shared memory or children behind. A stopped process hears nothing else.
stop() {
    kill -QUIT "$node" && kill -CONT "$node"
    wait "$node"
} 2> /dev/null

$as "$programs/initdb" --no-sync --username=lindley --auth=scram-sha-256 --pwfile=password --encoding=UTF8 \
    --locale=C -D "$dir/data" < /dev/null > node.out 2>&1 && start
while read -r order; do
    case $order in
        stop) stop ;;
        start) start ;;
    esac
done

stop
cd / && rm -rf "$dir"
