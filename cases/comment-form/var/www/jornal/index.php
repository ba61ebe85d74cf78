<?php
foreach ([45, 44, 41] as $n) { echo '<a href="/artigo.php?n=', $n, '">Artigo ', $n, '</a> '; }
