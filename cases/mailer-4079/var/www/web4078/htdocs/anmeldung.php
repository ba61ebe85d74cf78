<?php
$to = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
if (!$to) { http_response_code(400); exit; }
mail($to, 'Anmeldung zum Kurs', "Der Kurs beginnt am 1. Dezember.\n", 'From: technik@hostwerk.example');
echo 'Danke';
