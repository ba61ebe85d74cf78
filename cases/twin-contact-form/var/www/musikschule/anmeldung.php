<?php
// Registration for a course: written down, confirmed to the family, told to the office.
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    exit('<form method="post"><input name="kurs"><input name="name"><input name="mail"><button>Anmelden</button></form>');
}
$mail = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL);
$kurs = (int) ($_POST['kurs'] ?? 0);
if ($mail === false || $kurs < 1) { http_response_code(400); exit('Bitte Angaben pruefen.'); }
$name = str_replace(["\r", "\n"], ' ', $_POST['name'] ?? '');
file_put_contents(__DIR__ . '/daten/anmeldungen.csv', date('c') . ";$kurs;$name;$mail\n", FILE_APPEND | LOCK_EX);
mail($mail, "Anmeldung Kurs $kurs", "Guten Tag $name,\n\nwir haben Ihre Anmeldung.\n", ['From' => 'sekretariat@musikschule-auental.example']);
mail('sekretariat@musikschule-auental.example', "Anmeldung Kurs $kurs", "$name <$mail>\n", ['Reply-To' => $mail]);
echo 'Danke.';
