#!/bin/bash
# A PostgreSQL server for tests: its own data directory, its own port, local connections without a password.
#
#   tools/throwaway_postgres.sh start DIR PORT [--fast]      makes the cluster if DIR is empty, starts it, prints its URL
#   tools/throwaway_postgres.sh stop DIR PORT [--immediate]  stops it; the data stays. --immediate: as a power cut does
#   tools/throwaway_postgres.sh url DIR PORT                 prints the URL
#
# The server is durable as in production, so that tests meet the real costs of a commit; --fast turns fsync off. As root the
# commands run as the user "postgres", because initdb and the server refuse root.
set -euo pipefail

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
[ $# -ge 3 ] || usage
action=$1 dir=$2 port=$3
fast=no mode=fast
[ "${4:-}" = "--fast" ] && fast=yes
[ "${4:-}" = "--immediate" ] && mode=immediate
[[ $port =~ ^[0-9]+$ ]] || usage
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac

bin=
for candidate in ${FEALTY_POSTGRES_BIN:-} /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
  [ -x "$candidate/initdb" ] && bin=$candidate
done
if [ -z "$bin" ]; then
  echo "No PostgreSQL server programs found. Install the package 'postgresql', or set FEALTY_POSTGRES_BIN to the folder of initdb." >&2
  exit 1
fi

user=$(id -un)
as_server() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  user=postgres
  as_server() { (cd / && runuser -u postgres -- "$@"); }
fi
url="postgresql://$user@127.0.0.1:$port/postgres"

case $action in
  start)
    mkdir -p "$dir"
    [ "$(id -u)" = 0 ] && chown postgres "$dir"
    chmod 700 "$dir"
    if [ ! -f "$dir/PG_VERSION" ]; then
      as_server "$bin/initdb" -D "$dir" -U "$user" --auth=trust --encoding=UTF8 --locale=C --no-instructions >"$dir.initdb.log" 2>&1 ||
        { cat "$dir.initdb.log" >&2; exit 1; }
      rm -f "$dir.initdb.log"
    fi
    if ! as_server "$bin/pg_ctl" -D "$dir" status >/dev/null 2>&1; then
      # The options are written on each start, so that the same folder can be started either way.
      options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
      if [ $fast = yes ]; then
        options="$options -c fsync=off -c full_page_writes=off"
      else
        options="$options -c fsync=on -c synchronous_commit=on"
      fi
      as_server "$bin/pg_ctl" -D "$dir" -w -t 60 -l "$dir/server.log" -o "$options" start >/dev/null ||
        { tail -n 20 "$dir/server.log" >&2 || true; exit 1; }
    fi
    echo "$url"
    ;;
  stop)
    if as_server "$bin/pg_ctl" -D "$dir" status >/dev/null 2>&1; then
      as_server "$bin/pg_ctl" -D "$dir" -w -m $mode stop >/dev/null
    fi
    ;;
  url) echo "$url" ;;
  *) usage ;;
esac
