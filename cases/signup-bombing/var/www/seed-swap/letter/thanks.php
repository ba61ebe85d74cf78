<?php
echo 'We have sent you a line to confirm.';
