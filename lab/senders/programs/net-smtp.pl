# argv: server helo from subject body tls rcpt...
use strict; use warnings; use Net::SMTP;
my ($server, $helo, $from, $subject, $body, $tls, @to) = @ARGV;
my $s = Net::SMTP->new($server, Timeout => 20, length $helo ? (Hello => $helo) : ()) or die "no connection\n";
$s->starttls(SSL_verify_mode => 0) if $tls eq 'on';
my $ok = $s->mail($from) && $s->recipient(@to, { SkipBad => 1 });
if ($ok) {
    $ok = $s->data && $s->datasend("From: $from\nTo: " . join(', ', @to) . "\nSubject: $subject\n\n$body\n") && $s->dataend;
}
$s->quit;
exit($ok ? 0 : 1);
