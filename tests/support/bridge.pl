# A helper of squid that passes its lines on to a loopback port: perl bridge.pl PORT
#
# squid runs helpers as a user of its own, who may not be able to execute the Python of the tests (an interpreter below a
# private home directory). Perl is at hand on every Debian system, and the port leads to support/verifier.py.
use strict;
use warnings;
use IO::Socket::INET;

my $verifier = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die "no verifier: $@\n";
STDOUT->autoflush(1);
while (defined(my $line = <STDIN>)) {
    $verifier->print($line);
    $verifier->flush;
    defined(my $reply = <$verifier>) or last;
    print $reply;
}
