<?php // argv: server helo from subject body tls rcpt...
error_reporting(E_ERROR);
spl_autoload_register(function ($c) { $f = str_replace(['_', '\\'], '/', $c).'.php'; if (stream_resolve_include_path($f)) require_once $f; });
[, $server, $helo, $from, $subject, $body, $tls] = $argv;
$set = ['host' => $server, 'port' => 25];
if ($helo !== '') $set['localhost'] = $helo;
$to = array_slice($argv, 7);
try { (new Horde_Mail_Transport_Smtp($set))->send($to, ['From' => $from, 'To' => implode(', ', $to), 'Subject' => $subject, 'Date' => date('r')], $body); }
catch (Exception $e) { fwrite(STDERR, $e->getMessage()."\n"); exit(1); }
