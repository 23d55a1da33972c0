"""The backend's server: sockets, authentication, jobs, photo sessions. The only part that knows
sockets.
"""
