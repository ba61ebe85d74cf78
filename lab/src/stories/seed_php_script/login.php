<?php
session_start();
if (isset($_POST['user']) && password_verify($_POST['password'] ?? '', '$2y$10$abcdefghijklmnopqrstuuSJHjz7VbLx0xW3gJm2u6k9v1q2w3e4r')) {
    $_SESSION['user'] = $_POST['user'];
    header('Location: /admin/');
    exit;
}
http_response_code(403);
