<?php
return ['redacao' => 'redacao@jornaldaribeira.example', 'revisao' => 'carla@walnutbox.example'];
