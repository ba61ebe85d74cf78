<?php
$p = (int) ($_GET['p'] ?? 0);
echo '<h1>', $p ?: 'Ridge Walkers', '</h1><a href="/wp-email.php?p=', $p, '">Email this</a><form action="/wp-comments-post.php" method="post"><textarea name="comment"></textarea></form>';
