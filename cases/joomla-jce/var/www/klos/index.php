<?php
// Front controller: one component a request.
define('_SITE', __DIR__);
$option = preg_replace('/[^a-z_]/', '', $_GET['option'] ?? 'com_content');
$component = __DIR__ . "/components/$option/$option.php";
if (!is_file($component)) { http_response_code(404); exit('404'); }
require $component;
