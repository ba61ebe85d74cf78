<?php
$lang = ['next' => 'weiter', 'back' => 'zurück', 'upload' => 'hochladen'];
