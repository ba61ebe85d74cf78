# tcllib's smtp package: -client, else the machine name.
version() { dpkg-query -W -f '${Version}' tcllib; }
send() { local to=$1 from=$2; shift 2; tclsh "$PROGRAMS/tcl-smtp.tcl" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
