//! Cards beside contact lists.

use sestina::plugins::{roster::Roster, vcard::Vcards};
use sestina_testkit::{Scene, play};

#[test]
fn contacts_learn_of_another_photo() {
    let scene = Scene::new("capulet.example").plugin(Vcards::default()).plugin(Roster::default());
    play(scene, TRANSCRIPT);
}

const TRANSCRIPT: &str = "
# Who sees presence learns of another photo, from every session that leaves it to the server.
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
[client] chamber: juliet@capulet.example/chamber
romeo sends: <presence type='subscribe' to='juliet@capulet.example'/>
juliet sends: <presence type='subscribed' to='romeo@capulet.example'/>
romeo sends: <presence/>
romeo receives: <presence from='romeo@capulet.example/orchard' to='romeo@capulet.example'/>
juliet sends: <presence><show>away</show></presence>
juliet receives:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'><show>away</show></presence>
romeo receives:
  <presence from='juliet@capulet.example/balcony' to='romeo@capulet.example'><show>away</show></presence>

# The answer comes first.
juliet sends:
  <iq type='set' id='1'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>YWJj</BINVAL></PHOTO></vCard></iq>
juliet receives: <iq type='result' id='1'/>
juliet receives:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'>
      <photo>a9993e364706816aba3e25717850c26c9cd0d89d</photo></x></presence>
romeo receives:
  <presence from='juliet@capulet.example/balcony' to='romeo@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'>
      <photo>a9993e364706816aba3e25717850c26c9cd0d89d</photo></x></presence>

# A card of the same photo is no news.
juliet sends:
  <iq type='set' id='2'><vCard xmlns='vcard-temp'><FN>Juliet</FN>
    <PHOTO><BINVAL>YW Jj</BINVAL></PHOTO></vCard></iq>
juliet receives: <iq type='result' id='2'/>
romeo receives nothing

# A session that is not there says nothing; one that speaks for itself is not spoken for.
chamber sends: <presence><x xmlns='vcard-temp:x:update'><photo/></x></presence>
juliet receives:
  <presence from='juliet@capulet.example/chamber' to='juliet@capulet.example'>
    <x xmlns='vcard-temp:x:update'><photo/></x></presence>
romeo receives:
  <presence from='juliet@capulet.example/chamber' to='romeo@capulet.example'>
    <x xmlns='vcard-temp:x:update'><photo/></x></presence>
juliet sends:
  <iq type='set' id='3'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>Zm9v</BINVAL></PHOTO></vCard></iq>
juliet receives: <iq type='result' id='3'/>
juliet receives:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'>
      <photo>0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33</photo></x></presence>
romeo receives:
  <presence from='juliet@capulet.example/balcony' to='romeo@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'>
      <photo>0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33</photo></x></presence>

# Those who were told of a photo are told that it is gone.
juliet sends: <iq type='set' id='4'><vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard></iq>
juliet receives: <iq type='result' id='4'/>
juliet receives:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'><photo/></x></presence>
romeo receives:
  <presence from='juliet@capulet.example/balcony' to='romeo@capulet.example'><show>away</show>
    <x xmlns='vcard-temp:x:update'><photo/></x></presence>
romeo receives nothing
";
