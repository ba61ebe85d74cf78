# argv: server helo from subject body tls rcpt...
use strict; use warnings; use MIME::Lite;
my ($server, $helo, $from, $subject, $body, $tls, @to) = @ARGV;
my $m = MIME::Lite->new(From => $from, To => join(', ', @to), Subject => $subject, Type => 'TEXT', Data => "$body\n");
exit(eval { $m->send('smtp', $server, Timeout => 20, SkipBad => 1, length $helo ? (Hello => $helo) : ()) } ? 0 : 1);
