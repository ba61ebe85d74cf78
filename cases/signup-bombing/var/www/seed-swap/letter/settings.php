<?php
return ['name' => 'Seed Swap', 'site' => 'www.seedswap.example', 'from' => 'letters@seedswap.example', 'id' => '<letters.seedswap.example>', 'bounces' => 'bounces@seedswap.example', 'secret' => getenv('LETTER_SECRET') ?: 'in the vault'];
