<ul><li>Fauré, 12 December</li></ul>
