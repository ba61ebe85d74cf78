<?php
defined('_SITE') or die;
$id = (int) ($_GET['id'] ?? 1);
echo '<h1>www.piekarnia-klos.example</h1><p>', $id, '</p><img src="/images/stories/front.jpg"><a href="/index.php?option=com_contact">Kontakt</a>';
