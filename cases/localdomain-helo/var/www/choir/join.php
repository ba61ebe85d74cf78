<?php
if (!empty($_POST['name'])) {
    mail('bookings@crossroads-choir.example', 'A new voice', $_POST['name'] . "\n" . $_POST['voice']);
}
echo 'Sing with us';
