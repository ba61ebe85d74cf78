<?php
defined('_SITE') or die;
// The image manager of the editor: takes pictures, and renames what is there.
if (($_GET['plugin'] ?? '') !== 'imgmanager') { http_response_code(400); exit; }
$folder = _SITE . '/images/stories/';
header('Content-Type: application/json');
if (isset($_FILES['Filedata'])) {
    $name = basename($_FILES['Filedata']['name']);
    if (!preg_match('/\.(jpe?g|gif|png)$/i', $name)) { exit('{"error":true}'); }
    move_uploaded_file($_FILES['Filedata']['tmp_name'], $folder . $name);
    exit('{"error":false,"result":' . json_encode($name) . '}');
}
$call = json_decode($_POST['json'] ?? '', true);
if (($call['fn'] ?? '') === 'folderRename') {
    rename($folder . basename($call['args'][0]), $folder . basename($call['args'][1]));
    exit('{"error":null,"result":true}');
}
if (($call['fn'] ?? '') === 'getItems') { exit(json_encode(array_map('basename', glob($folder . '*')))); }
echo '{"error":true}';
