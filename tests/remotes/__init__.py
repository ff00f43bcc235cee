"""Real git servers on loopback, and a double of Vault: started by the tests, gone with them."""
