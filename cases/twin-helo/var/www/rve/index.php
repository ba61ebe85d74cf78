<h1>Ruderverein</h1>
