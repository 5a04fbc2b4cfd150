"""Delivers callbacks: POSTs to addresses that strangers have named."""
