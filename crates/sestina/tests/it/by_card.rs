//! A directory beside cards.

use sestina::plugins::{directory::Directory, vcard::Vcards};
use sestina_testkit::{Scene, play};

#[test]
fn who_is_found_by_the_card() {
    let scene = Scene::new("capulet.example").account("juliet@capulet.example");
    play(scene.plugin(Directory::default()).plugin(Vcards::default()), FOUND);
}

const FOUND: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='set' id='1' to='directory.capulet.example'><query xmlns='jabber:iq:register'/></iq>
juliet receives: <iq type='result' id='1' from='directory.capulet.example'/>
juliet sends:
  <iq type='set' id='2'><vCard xmlns='vcard-temp'><NICKNAME>Jule</NICKNAME></vCard></iq>
juliet receives: <iq type='result' id='2'/>
juliet sends:
  <iq type='set' id='3' to='directory.capulet.example'>
    <query xmlns='jabber:iq:search'><nick>jul</nick></query></iq>
juliet receives:
  <iq type='result' id='3' from='directory.capulet.example'><query xmlns='jabber:iq:search'>
    <item jid='juliet@capulet.example'><first/><last/><nick>Jule</nick><email/></item></query></iq>
";
