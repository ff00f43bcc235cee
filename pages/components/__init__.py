"""What pages share: who asks and whom they ask, how things are shown, lists, links, decisions."""
