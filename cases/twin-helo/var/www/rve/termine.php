<p>Anrudern am 12. April</p>
