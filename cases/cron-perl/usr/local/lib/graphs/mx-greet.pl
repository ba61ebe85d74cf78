#!/usr/bin/perl
# One figure a run for the graphs: how long does the exchanger that we relay most to take to greet?
use strict;
use warnings;
use Net::SMTP;
use Time::HiRes 'time';
my $begun = time;
my $smtp = Net::SMTP->new('mail1.harvestmail.example', Hello => 'localhost.localdomain', Timeout => 20) or exit 1;
open my $out, '>>', '/var/tmp/mx-greet.rrd.txt' or exit 1;
printf $out "%d %.3f\n", $begun, time - $begun;
$smtp->quit;
