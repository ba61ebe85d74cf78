<?php // argv: server helo from subject body tls rcpt...
error_reporting(E_ERROR);
require 'Mail.php';
[, $server, $helo, $from, $subject, $body, $tls] = $argv;
$set = ['host' => $server, 'port' => 25, 'starttls' => $tls === 'on', 'socket_options' => ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]];
if ($helo !== '') $set['localhost'] = $helo;
$to = array_slice($argv, 7);
$sent = Mail::factory('smtp', $set)->send($to, ['From' => $from, 'To' => implode(', ', $to), 'Subject' => $subject, 'Date' => date('r')], $body);
exit($sent === true ? 0 : 1);
