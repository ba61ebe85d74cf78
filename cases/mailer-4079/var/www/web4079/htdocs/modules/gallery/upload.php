<?php
// Takes pictures of members who are logged in.
session_start();
if (empty($_SESSION['member'])) { header('Location: /admin/'); exit; }
move_uploaded_file($_FILES['bild']['tmp_name'], __DIR__ . '/bilder/' . basename($_FILES['bild']['name']));
