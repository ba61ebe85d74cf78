<?php
// The moderators' list asks for news every few seconds and marks what was read.
$ate = (int) ($_POST['ate'] ?? 0);
header('Content-Type: application/json');
$linhas = @file(__DIR__ . '/../dados/comentarios.json') ?: [];
echo json_encode(array_slice($linhas, $ate)), "\n";
