# Owns a private PostgreSQL cluster: starts it, waits until standard input closes, ends it.
#
# Arguments: directory, port, password of the user `lindley`. The server refuses to be root's, so root hands the
# directory to the package's user. Everything is ended by process id; nothing listens beyond loopback.
dir=$1 port=$2 password=$3
cd "$dir" || exit 1
for bin in /usr/lib/postgresql/*/bin; do :; done

as=
if [ "$(id -u)" -eq 0 ]; then
    as='setpriv --reuid=postgres --regid=postgres --clear-groups'
    chown postgres:postgres "$dir"
fi
printf '%s' "$password" > password
chmod 644 password
$as "$bin/initdb" -D "$dir/data" -U lindley --auth=scram-sha-256 --pwfile="$dir/password" > initdb.out 2>&1 || {
    cat initdb.out >&2
    exit 1
}
$as "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$dir" \
    < /dev/null > "$dir/postgres.out" 2>&1 &
server=$!
echo "$server"

read -r _

# The data goes with it, so there is nothing to shut down in order; stopped processes must go on to end.
kill -CONT "$server" 2> /dev/null
kill -QUIT "$server" 2> /dev/null
wait
cd / && rm -rf "$dir"
