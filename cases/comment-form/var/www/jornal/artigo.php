<?php
$artigo = (int) ($_GET['n'] ?? 0);
echo '<h1>Artigo ', $artigo, '</h1><p>O mercado abre de novo na primavera.</p>';
foreach (@file(__DIR__ . '/dados/comentarios.json') ?: [] as $linha) {
    $c = json_decode($linha, true);
    if (($c['a'] ?? -1) === $artigo) { echo '<p><b>', htmlspecialchars($c['n']), '</b> ', htmlspecialchars($c['t']), '</p>'; }
}
?><form action="/comentar.php" method="post"><input type="hidden" name="artigo" value="<?= $artigo ?>"><input name="nome"><input name="mail"><textarea name="texto"></textarea></form>
