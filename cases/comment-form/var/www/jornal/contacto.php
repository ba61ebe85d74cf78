<?php
// Letters to the editors. The address of the writer goes into a header, so it has to be one and nothing else.
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $de = filter_var($_POST['de'] ?? '', FILTER_VALIDATE_EMAIL);
    if ($de === false) { http_response_code(400); exit('Endereco invalido.'); }
    $equipa = require __DIR__ . '/dados/equipa.php';
    mail($equipa['redacao'], 'Carta de um leitor', wordwrap($_POST['carta'] ?? ''), ['Reply-To' => $de]);
    mail($de, 'Recebemos a sua carta', "Obrigado. Respondemos em breve.\n", ['From' => $equipa['redacao']]);
    exit('Obrigado.');
}
?><form method="post"><input name="de"><textarea name="carta"></textarea><button>Enviar</button></form>
