# argv: server helo from subject body tls rcpt...
use strict; use warnings; use Email::Sender::Transport::SMTP; use Email::Simple;
my ($server, $helo, $from, $subject, $body, $tls, @to) = @ARGV;
my $t = Email::Sender::Transport::SMTP->new(host => $server, port => 25, allow_partial_success => 1,
    ($tls eq 'on' ? (ssl => 'starttls', ssl_options => { SSL_verify_mode => 0 }) : ()), (length $helo ? (helo => $helo) : ()));
my $m = Email::Simple->create(header => [From => $from, To => join(', ', @to), Subject => $subject], body => "$body\n");
exit(eval { $t->send($m, { from => $from, to => \@to }) } ? 0 : 1);
