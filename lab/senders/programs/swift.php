<?php // argv: server helo from subject body tls rcpt...
require '/usr/share/php/Egulias/EmailValidator/autoload.php';
require '/usr/share/php/Swift/swift_required.php';
[, $server, $helo, $from, $subject, $body, $tls] = $argv;
$t = new Swift_SmtpTransport($server, 25, $tls === 'on' ? 'tls' : null);
$t->setStreamOptions(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]]);
if ($helo !== '') $t->setLocalDomain($helo);
$m = (new Swift_Message($subject))->setFrom($from)->setTo(array_slice($argv, 7))->setBody($body);
try { $sent = (new Swift_Mailer($t))->send($m); $t->stop(); exit($sent > 0 ? 0 : 1); } catch (Exception $e) { fwrite(STDERR, $e->getMessage()."\n"); exit(1); }
