<?php
$to = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
if (!$to) { http_response_code(400); exit; }
mail($to, 'Ihre Bestellung', "Vielen Dank. Wir liefern in drei Tagen.\n", "From: laden@hostwerk.example\r\nMIME-Version: 1.0");
mail('amt@mainpost.example', 'Bestellung eingegangen', 'von ' . $to);
echo 'Danke';
