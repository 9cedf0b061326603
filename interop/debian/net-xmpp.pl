# Romeo on Net::XMPP: logs in by TLS, keeps contacts, talks, and leaves.

use strict;
use warnings;
use Net::XMPP;

my ($domain, $limit) = ($ENV{XMPP_DOMAIN}, 15);
my $juliet = "juliet\@$domain";
my (@messages, %presence);

sub check {
    my ($fine, $what) = @_;
    die "$what\n" unless $fine;
}

my $client = Net::XMPP::Client->new();
$client->SetCallBacks(
    message  => sub { push @messages, $_[1] },
    presence => sub {
        my $presence = $_[1];
        my $type = $presence->GetType() || 'available';
        $presence{ $presence->GetFrom() . " $type" } = $presence;
    },
);

# Lets things come until one of them did.
sub wait_for {
    my ($what, $came) = @_;
    for (1 .. $limit * 10) {
        return if $came->();
        check(defined $client->Process(0.1), "the stream ended before $what");
    }
    die "$what never came, but: " . join(', ', sort keys %presence) . "\n";
}

# A request of the library's own for changing the contact list bears no id, so this one is ours.
sub contact {
    my (%item) = @_;
    my $iq = Net::XMPP::IQ->new();
    $iq->SetIQ(type => 'set');
    $iq->NewChild('jabber:iq:roster')->AddItem(jid => $juliet, %item);
    my $answer = $client->SendAndReceiveWithID($iq, $limit);
    check($answer && $answer->GetType() eq 'result', 'the contact list was not changed');
}

my $connected = $client->Connect(
    hostname    => $domain,
    port        => $ENV{XMPP_PORT},
    tls         => 1,
    ssl_ca_path => $ENV{XMPP_CERTIFICATE},
    timeout     => $limit,
);
check($connected, 'no connection: ' . ($client->GetErrorCode() // ''));
my @login = $client->AuthSend(
    username => 'romeo', password => $ENV{XMPP_PASSWORD}, resource => 'tomb');
check($login[0] eq 'ok', "no login: @login");

my %roster = $client->RosterGet();
check(!%roster, 'there are contacts already: ' . join ', ', keys %roster);
contact(name => 'Juliet', group => 'Capulets');
%roster = $client->RosterGet();
check($roster{$juliet}{name} eq 'Juliet', 'the name was not kept');
check("@{$roster{$juliet}{groups}}" eq 'Capulets', 'the group was not kept');

$client->PresenceSend(priority => 3, show => 'chat');
$client->Subscription(type => 'subscribe', to => $juliet);
wait_for('her answer', sub { $presence{"$juliet subscribed"} });
wait_for('her request', sub { $presence{"$juliet subscribe"} });
$client->Subscription(type => 'subscribed', to => $juliet);
wait_for('her presence', sub { $presence{"$juliet/balcony available"} });
check($presence{"$juliet/balcony available"}->GetPriority() == 5, 'her priority is another');
%roster = $client->RosterGet();
check($roster{$juliet}{subscription} eq 'both', "the subscription is $roster{$juliet}{subscription}");

$client->MessageSend(to => $juliet, type => 'chat', body => "Lady <by> yonder & 'blessed' moon");
wait_for('her message', sub { @messages });
check($messages[0]->GetBody() eq 'O swear not by the <moon>', 'she said something else');
check($messages[0]->GetType() eq 'chat', 'no chat');
check($messages[0]->GetFrom() eq "$juliet/balcony", 'somebody else said it');

contact(subscription => 'remove');
%roster = $client->RosterGet();
check(!%roster, 'a contact was removed, and is there');
$client->Disconnect();
