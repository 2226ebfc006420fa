"""What people are told of: facts become cases, cases become messages, messages are delivered."""
