# Perl's Net::FTP on the course that course.rs describes.
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $password, $security, $mode, $ca) = @ARGV;
my $ftp = Net::FTP->new(
    $host, Port => $port, Passive => $mode eq "passive", Timeout => 20,
    $security eq "clear" ? () : (SSL => $security eq "implicit", SSL_ca_file => $ca),
) or die "no connection: $@";
sub check { $_[0] or die $ftp->code . " " . $ftp->message; return $_[0] }

check($ftp->starttls) if $security eq "explicit";
check($ftp->login($user, $password));
check($ftp->binary);
opendir(my $folder, "up") or die;
my @names = grep { $_ ne "." && $_ ne ".." } readdir $folder;
check($ftp->mkdir("/stored"));
check($ftp->put("up/$_", "/stored/$_")) for @names;
open(my $listed, ">", "listed") or die;
print $listed map { s{.*/}{}r . "\n" } $ftp->ls("/stored");
close $listed;
check($ftp->get("/stored/$_", "fetched/$_")) for @names;

check($ftp->get("/whole", "cut", -s "cut"));
my $size = check($ftp->size("/cut"));
open(my $whole, "<:raw", "whole") or die;
seek($whole, $size, 0);
check($ftp->append($whole, "/cut"));
check($ftp->rename("/old", "/new"));
check($ftp->delete("/doomed"));
check($ftp->rmdir("/hollow"));
die "/missing was there" if $ftp->get("/missing", "nothing");
open(my $refused, ">", "refused") or die;
print $refused $ftp->code;
close $refused;
check($ftp->quit);
print "done\n";
