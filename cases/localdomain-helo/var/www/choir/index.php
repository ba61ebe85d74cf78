<h1>Crossroads Choir</h1>
