<?php // argv: server helo from subject body tls rcpt...
foreach (['Symfony/Component/Mailer', 'Symfony/Component/Mime', 'Egulias/EmailValidator', 'Psr/Log', 'Psr/EventDispatcher', 'Symfony/Contracts/EventDispatcher', 'Symfony/Component/EventDispatcher'] as $part)
    if (is_file("/usr/share/php/$part/autoload.php")) require_once "/usr/share/php/$part/autoload.php";
[, $server, $helo, $from, $subject, $body, $tls] = $argv;
$t = new Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport($server, 25, false);
$t->getStream()->setStreamOptions(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]]);
if ($helo !== '') $t->setLocalDomain($helo);
$m = (new Symfony\Component\Mime\Email())->from($from)->subject($subject)->text($body);
foreach (array_slice($argv, 7) as $rcpt) $m->addTo($rcpt);
try { $t->send($m); } catch (Exception $e) { fwrite(STDERR, $e->getMessage()."\n"); exit(1); }
