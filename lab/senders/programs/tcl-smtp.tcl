# argv: server helo from subject body tls rcpt...
package require mime
package require smtp
lassign $argv server helo from subject body tls
set to [lrange $argv 6 end]
set m [mime::initialize -canonical text/plain -string $body]
set more [expr {$helo eq "" ? {} : [list -client $helo]}]
if {[catch {smtp::sendmessage $m -servers [list $server] -ports 25 -usetls 0 {*}$more -originator $from -recipients [join $to ,] \
    -header [list From $from] -header [list To [join $to ", "]] -header [list Subject $subject]} why]} { puts stderr $why; exit 1 }
