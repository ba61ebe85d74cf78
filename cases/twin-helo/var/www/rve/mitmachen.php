<?php
if (!empty($_POST['name'])) {
    mail('jugend@ruderverein-elbe.example', 'Probetraining', $_POST['name']);
}
echo 'Komm rudern';
