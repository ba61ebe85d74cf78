<?php // argv: server helo from subject body tls rcpt...
require '/usr/share/php/libphp-phpmailer/autoload.php';
[, $server, $helo, $from, $subject, $body, $tls] = $argv;
$m = new PHPMailer\PHPMailer\PHPMailer(true);
$m->isSMTP(); $m->Host = $server; $m->Port = 25; $m->SMTPAutoTLS = $tls === 'on';
$m->SMTPOptions = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]];
if ($helo !== '') { $m->Helo = $helo; $m->Hostname = $helo; }
$m->setFrom($from, 'Orders'); $m->Subject = $subject; $m->Body = $body;
foreach (array_slice($argv, 7) as $rcpt) $m->addAddress($rcpt);
try { $m->send(); } catch (Exception $e) { fwrite(STDERR, $e->getMessage()."\n"); exit(1); }
