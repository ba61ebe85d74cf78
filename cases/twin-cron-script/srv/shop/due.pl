#!/usr/bin/perl
# Reminders for ordered books, two customers a run.
use strict;
use warnings;
open my $in, '<', '/srv/shop/due.txt' or exit 1;
chomp(my @customers = <$in>);
for (1 .. 2) {
    my $to = splice @customers, rand @customers, 1;
    open my $mta, '|-', '/usr/sbin/sendmail', '-i', '-f', 'varasto@kirjakauppa-saari.example', $to or exit 1;
    print $mta "From: Kirjakauppa <varasto\@kirjakauppa-saari.example>\nTo: $to\nSubject: Tilauksesi on saapunut\n\nTervetuloa noutamaan.\n";
    close $mta;
}
