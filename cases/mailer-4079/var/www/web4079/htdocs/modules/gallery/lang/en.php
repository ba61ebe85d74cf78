<?php
$lang = ['next' => 'next', 'back' => 'back', 'upload' => 'upload'];
