<?php
// Comments of readers: kept in a file for the page, and the editors hear of each one by mail.
$artigo = (int) ($_POST['artigo'] ?? 0);
$nome = trim($_POST['nome'] ?? '');
$mail = trim($_POST['mail'] ?? '');
$texto = trim($_POST['texto'] ?? '');
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $nome === '' || !str_contains($mail, '@') || $texto === '') {
    http_response_code(400);
    exit('Faltam dados.');
}
$linha = json_encode(['a' => $artigo, 'n' => $nome, 't' => $texto, 'h' => time()]) . "\n";
file_put_contents(__DIR__ . '/dados/comentarios.json', $linha, FILE_APPEND | LOCK_EX);
$equipa = require __DIR__ . '/dados/equipa.php';
$correio = popen('/usr/sbin/sendmail -t -i', 'w');
fwrite($correio, "To: $equipa[redacao]\nCc: $equipa[revisao]\nFrom: $nome <$mail>\nSubject: Comentario ao artigo $artigo\n\n$texto\n");
pclose($correio);
header('Location: /artigo.php?n=' . $artigo, true, 303);
